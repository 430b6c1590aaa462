DROP TABLE IF EXISTS `chain_cursors`;
