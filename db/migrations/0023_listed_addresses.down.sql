DROP TABLE IF EXISTS `listed_addresses`;
