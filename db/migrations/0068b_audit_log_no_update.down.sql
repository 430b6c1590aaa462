DROP TRIGGER IF EXISTS `audit_log_no_update`;
