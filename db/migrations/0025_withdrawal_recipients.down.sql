ALTER TABLE `withdrawal_requests` DROP KEY `withdrawal_requests_recipient`;
