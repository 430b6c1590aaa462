DROP TABLE IF EXISTS `treasury_movements`;
