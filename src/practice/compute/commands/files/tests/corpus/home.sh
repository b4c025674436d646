# Made by root before every line of the corpus, in both places.
umask 022
useradd alice
cd /home/ec2-user
mkdir -p logs site/css site/img empty-dir
printf '%s\n' 'buy milk' 'call alice' 'write report' 'buy bread' 'Call bob' > notes.txt
printf '%s\n' 'name,size,zone' 'home,12,us-east-1a' 'www,340,us-east-1b' 'jenkins,27,us-east-1a' > shares.csv
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
  echo "2026-02-0$((i % 9 + 1)) 10:0$((i % 10)) INFO request $i took $((i * 7)) ms"
done > logs/app.log
printf '%s\n' '2026-02-01 ERROR disk full' '2026-02-02 WARN slow' '2026-02-03 ERROR share gone' > logs/errors.log
echo '<h1>hello</h1>' > site/index.html
echo 'h1 { color: red }' > site/css/main.css
head -c 3000 /dev/zero > site/img/logo.png
printf '#!/bin/bash\necho "hello from $0 with $# arguments"\nexit 3\n' > hello.sh
printf 'b\na\nc\nb\na\nb\n' > letters
printf '10\n9\n100\n1\n' > numbers
printf 'one two\tthree\n  four\n' > words
: > empty
echo secret > .token
ln -s logs/app.log latest
ln -s nowhere dangling
chmod 600 .token
chmod 755 hello.sh
touch -d '2025-03-04 05:06:07' notes.txt shares.csv logs/app.log logs/errors.log site/index.html letters numbers words empty .token hello.sh .bash_logout .bash_profile .bashrc
touch -d '2025-01-02 03:04:05' site/css/main.css site/img/logo.png site/css site/img
touch -d '2025-02-03 04:05:06' logs site empty-dir
touch -h -d '2025-02-03 04:05:06' latest dangling
chown -R -h ec2-user:ec2-user /home/ec2-user
echo private > /home/alice/diary
chown alice:alice /home/alice/diary
mkdir -p /mnt/backup /srv/www
chmod 755 /mnt /mnt/backup /srv/www
touch -d '2025-02-03 04:05:06' /home/alice/diary /mnt/backup /srv/www
touch -d '2025-02-03 04:05:06' /home/alice /home/ec2-user /srv
