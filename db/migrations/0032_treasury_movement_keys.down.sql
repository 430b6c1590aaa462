ALTER TABLE `treasury_movements` DROP INDEX `treasury_movements_declaration`, DROP COLUMN `declaration_key`;
