ALTER TABLE `withdrawal_requests`
  ADD INDEX `withdrawal_requests_recipient` (`to_address`, `created_at`, `request_id`, `owner_id`),
  ADD INDEX `withdrawal_requests_wallet` (`wallet_address`, `created_at`, `request_id`, `currency`),
  ADD INDEX `withdrawal_requests_state` (`status`, `created_at`, `request_id`, `wallet_address`, `currency`),
  DROP INDEX `withdrawal_requests_status`;
