#!/bin/bash -ex
# Instance B: the homes are on the share already, only mount it. Needs SHARE.

echo "$SHARE:/ /home nfs4 nfsvers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2,noresvport,_netdev 0 0" >>/etc/fstab
mount /home
