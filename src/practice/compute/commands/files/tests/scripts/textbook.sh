#!/bin/bash -ex
# User data in the shape of a textbook of 2018: everything at once, and a trap for what goes wrong.
trap '/opt/aws/bin/cfn-signal -e 1 --region us-east-1 --stack s --resource A' ERR

while ! nc -z fs-1.efs.us-east-1.amazonaws.com 2049; do sleep 10; done
sleep 10

mkdir /oldhome
cp -a /home/. /oldhome
echo "fs-1.efs.us-east-1.amazonaws.com:/ /home nfs4 nfsvers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2,_netdev 0 0" >> /etc/fstab
mount -a
cp -a /oldhome/. /home

while ! [ "$(fdisk -l | grep '/dev/xvdf' | wc -l)" -ge "1" ]; do sleep 10; done
if [[ "$(file -s /dev/xvdf)" != *"ext4"* ]]; then
  mkfs.ext4 /dev/xvdf
fi
mkdir /mnt/backup
echo "/dev/xvdf /mnt/backup ext4 defaults,nofail 0 2" >> /etc/fstab
mount -a

ID=$(curl -s http://169.254.169.254/latest/meta-data/instance-id | cut -d '"' -f 4)
cat > /etc/cron.d/backup << EOF2
SHELL=/bin/bash
PATH=/sbin:/bin:/usr/sbin:/usr/bin:/opt/aws/bin
MAILTO=root
HOME=/
*/15 * * * * root rsync -av --delete /home/ /mnt/backup/ ; fsfreeze -f /mnt/backup/ ; aws ec2 create-snapshot --volume-id $ID ; fsfreeze -u /mnt/backup/
EOF2

/opt/aws/bin/cfn-signal -e 0 --region us-east-1 --stack s --resource A
