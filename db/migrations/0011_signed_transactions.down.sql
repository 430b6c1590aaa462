DROP TABLE IF EXISTS `signed_transactions`;
