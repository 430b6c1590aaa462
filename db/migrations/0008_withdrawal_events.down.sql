DROP TABLE `withdrawal_events`;
