ALTER TABLE `sessions` ADD COLUMN `second_factor_at` datetime(3) NULL;
