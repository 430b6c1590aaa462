CREATE TRIGGER IF NOT EXISTS `audit_chain_no_delete` BEFORE DELETE ON `audit_chain` FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the audit chain is append-only';
