ALTER TABLE `wallets`
  DROP COLUMN `successor_address`;
