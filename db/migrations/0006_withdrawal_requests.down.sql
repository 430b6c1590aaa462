DROP TABLE `withdrawal_requests`;
