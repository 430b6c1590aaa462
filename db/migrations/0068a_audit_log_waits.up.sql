CREATE TRIGGER IF NOT EXISTS `audit_log_waits` AFTER INSERT ON `audit_log` FOR EACH ROW
INSERT INTO `audit_pending` (`audit_id`) VALUES (NEW.`id`);
