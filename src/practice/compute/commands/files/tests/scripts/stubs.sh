# Programs that only note how they were called, in both places: /opt/stubs comes first in the PATH.
mkdir -p /opt/stubs /opt/aws/bin
stub() {
  { echo '#!/bin/bash'; echo 'echo "${0##*/} $*" >>/tmp/calls'; cat; } >"/opt/stubs/$1"
  chmod 755 "/opt/stubs/$1"
}
for name in cfn-signal dnf file fdisk mkfs.ext4 rsync setsebool sleep systemctl; do
  stub $name </dev/null
done
# The share is empty at first.
stub mount <<'END'
case "$*" in
/home | -a) find /home -mindepth 1 -delete ;;
esac
END
# The third answer is the first good one.
stub nc <<'END'
[ "$(grep -c '^nc' /tmp/calls)" -ge 3 ]
END
stub curl <<'END'
echo '{"answer": "noted"}'
END
stub getenforce <<'END'
echo Enforcing
END
# The device comes late, and empty.
stub fdisk <<'END'
[ "$(grep -c '^fdisk' /tmp/calls)" -lt 2 ] || echo 'Disk /dev/xvdf: 5 GiB, 5368709120 bytes, 10485760 sectors'
END
stub file <<'END'
echo "$2: data"
END
ln -s /opt/stubs/cfn-signal /opt/aws/bin/cfn-signal
mkdir -p /etc/ssh/sshd_config.d /etc/cron.d /home/ec2-user/.ssh /var/lib/cloud/instance/scripts
echo 'ssh-ed25519 AAAAkey the lab' >/home/ec2-user/.ssh/authorized_keys
chmod 700 /home/ec2-user/.ssh /etc/ssh/sshd_config.d
chmod 600 /home/ec2-user/.ssh/authorized_keys
echo 'ssh-ed25519 AAAAhost root@host' >/etc/ssh/ssh_host_ed25519_key.pub
echo '# filesystems' >/etc/fstab
ln -s .bashrc /home/ec2-user/link
touch -d '2025-01-02 03:04:05' /home/ec2-user/.bashrc
chown -R -h ec2-user:ec2-user /home/ec2-user
