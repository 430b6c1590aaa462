DROP TABLE IF EXISTS `audit_pending`;
