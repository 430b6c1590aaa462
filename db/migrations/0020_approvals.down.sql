DROP TABLE IF EXISTS `approvals`;
