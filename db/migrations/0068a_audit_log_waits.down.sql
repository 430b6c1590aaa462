DROP TRIGGER IF EXISTS `audit_log_waits`;
