ALTER TABLE `withdrawal_requests`
  DROP INDEX `withdrawal_requests_recipient`,
  DROP INDEX `withdrawal_requests_wallet`;
