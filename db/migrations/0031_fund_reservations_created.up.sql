ALTER TABLE `fund_reservations` ADD INDEX `fund_reservations_created` (`chain_id`, `wallet_address`, `created_at`);
