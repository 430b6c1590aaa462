DROP TABLE IF EXISTS `limit_buckets`;
