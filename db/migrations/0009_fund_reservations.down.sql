DROP TABLE `fund_reservations`;
