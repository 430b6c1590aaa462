DROP TABLE `assets`;
