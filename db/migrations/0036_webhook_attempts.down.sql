DROP TABLE IF EXISTS `webhook_attempts`;
