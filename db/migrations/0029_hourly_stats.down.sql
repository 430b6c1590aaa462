DROP TABLE IF EXISTS `hourly_stats`;
