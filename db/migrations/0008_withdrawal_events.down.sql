DROP TABLE IF EXISTS `withdrawal_events`;
