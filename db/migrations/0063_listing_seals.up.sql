ALTER TABLE `listed_addresses`
  ADD COLUMN `seal` char(64) NULL;
