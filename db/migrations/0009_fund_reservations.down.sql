DROP TABLE IF EXISTS `fund_reservations`;
