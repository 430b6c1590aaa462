ALTER TABLE `withdrawal_requests`
  ADD INDEX `withdrawal_requests_recipient` (`to_address`, `created_at`, `request_id`),
  ADD INDEX `withdrawal_requests_wallet` (`wallet_address`, `created_at`, `request_id`, `currency`);
