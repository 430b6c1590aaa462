DROP TABLE `nonce_reservations`;
