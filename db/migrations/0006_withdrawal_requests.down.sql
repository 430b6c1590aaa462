DROP TABLE IF EXISTS `withdrawal_requests`;
