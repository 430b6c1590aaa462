ALTER TABLE `withdrawal_requests`
  ADD INDEX `withdrawal_requests_status` (`status`, `created_at`, `request_id`),
  DROP INDEX `withdrawal_requests_recipient`,
  DROP INDEX `withdrawal_requests_wallet`,
  DROP INDEX `withdrawal_requests_state`;
