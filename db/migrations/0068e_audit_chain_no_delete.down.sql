DROP TRIGGER IF EXISTS `audit_chain_no_delete`;
