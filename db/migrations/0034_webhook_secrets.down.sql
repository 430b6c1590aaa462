DROP TABLE IF EXISTS `webhook_secrets`;
