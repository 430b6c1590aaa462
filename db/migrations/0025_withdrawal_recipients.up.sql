ALTER TABLE `withdrawal_requests` ADD KEY `withdrawal_requests_recipient` (`owner_id`, `to_address`, `created_at`);
