DROP TABLE IF EXISTS `audit_chain`;
