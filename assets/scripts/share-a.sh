#!/bin/bash -ex
# Instance A: the share is empty, so carry the homes over. Needs SHARE.

# Aside, with owners and permissions kept.
mkdir /oldhome
cp -a /home/. /oldhome

echo "$SHARE:/ /home nfs4 nfsvers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2,noresvport,_netdev 0 0" >>/etc/fstab
mount /home

cp -a /oldhome/. /home
