DROP TABLE IF EXISTS `wallet_observations`;
