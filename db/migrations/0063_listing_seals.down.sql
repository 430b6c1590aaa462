ALTER TABLE `listed_addresses`
  DROP COLUMN `seal`;
