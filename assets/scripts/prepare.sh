#!/bin/bash -ex
# First part of both instances' user data: tools, keys, and the wait for the share.
# Needs REGION, STACK, RESOURCE (who signals), SIDE (A or B), SHARE (DNS name), HOST_KEY_URL.

# However this ends, tell CloudFormation: 0 is success, anything else fails the stack at once.
signal() {
  status=$?
  cfn-signal --exit-code "$status" --reason "user data of $RESOURCE ended with status $status" \
    --region "$REGION" --stack "$STACK" --resource "$RESOURCE"
  exit "$status"
}
trap signal EXIT
export PATH="$PATH:/opt/aws/bin"

# Amazon Linux brings none of these for sure.
dnf install -y nfs-utils nmap-ncat aws-cfn-bootstrap

# A copy of the authorized keys outside /home: no accident there can lock you out.
mkdir -p /etc/ssh/authorized_keys.d
cp /home/ec2-user/.ssh/authorized_keys /etc/ssh/authorized_keys.d/ec2-user
chmod 644 /etc/ssh/authorized_keys.d/ec2-user
echo 'AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/authorized_keys.d/%u' >/etc/ssh/sshd_config.d/10-efslab.conf
chmod 600 /etc/ssh/sshd_config.d/10-efslab.conf
systemctl reload sshd

# Publish the host key (type and key, no comment). The URL is signed for an empty Content-Type.
key=$(cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub)
curl --fail --silent --show-error --retry 5 -X PUT -H 'Content-Type:' \
  --data-binary "{\"Status\":\"SUCCESS\",\"Reason\":\"host key\",\"UniqueId\":\"$SIDE\",\"Data\":\"$key\"}" \
  "$HOST_KEY_URL"

# Where SELinux enforces, it must allow homes on NFS.
if [ "$(getenforce 2>/dev/null || true)" = Enforcing ]; then
  setsebool -P use_nfs_home_dirs 1
fi

# The share is up when its port answers; then ten seconds more, for its name to settle.
until nc -z "$SHARE" 2049; do sleep 10; done
sleep 10
