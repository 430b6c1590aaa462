DROP TABLE IF EXISTS `policy_decisions`;
