# Sourced by MySQL's image when it makes a new data directory: Temporal's own user, which cannot open the engine's database.
docker_process_sql --database=mysql <<SQL
CREATE DATABASE IF NOT EXISTS temporal CHARACTER SET utf8mb4;
CREATE DATABASE IF NOT EXISTS temporal_visibility CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS 'temporal'@'%' IDENTIFIED BY '$(cat /run/secrets/temporal_database_password)';
GRANT ALL ON temporal.* TO 'temporal'@'%';
GRANT ALL ON \`temporal\\_visibility\`.* TO 'temporal'@'%';
SQL
