DROP TABLE IF EXISTS `nonce_reservations`;
