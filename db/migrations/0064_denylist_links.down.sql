DROP TABLE IF EXISTS `denylist_links`;
