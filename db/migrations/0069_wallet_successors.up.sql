ALTER TABLE `wallets`
  ADD COLUMN `successor_address` char(42) NULL;
