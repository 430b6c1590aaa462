ALTER TABLE `treasury_movements` ADD COLUMN `declaration_key` char(64) NULL, ADD UNIQUE KEY `treasury_movements_declaration` (`declaration_key`);
