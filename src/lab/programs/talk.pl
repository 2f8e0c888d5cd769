# One connection that stays: lines from standard input go out, lines that arrive are printed. Ends when the input ends.
#   perl talk.pl PROTOCOL DESTINATION PORT [SOURCE [SOURCE-PORT]]
# Prints "open" when the connection stands, and "lost REASON" when it breaks.
use strict;
use warnings;
use File::Basename qw(dirname);
require(dirname(__FILE__) . '/endpoint.pl');

$SIG{PIPE} = 'IGNORE';
$| = 1;
my ($protocol, $to, $port, $source, $own_port) = @ARGV;
my $handle = open_client($protocol, $source // '', $own_port // '', $to) // lost($!);

sub lost { print 'lost ', outcome_of($_[0] + 0), "\n"; exit 1 }

sub wait_for {
  my ($mode) = @_;
  my $bits = '';
  vec($bits, fileno($handle), 1) = 1;
  vec($bits, fileno(STDIN), 1) = 1 if $mode eq 'read';
  $mode eq 'read' ? select($bits, undef, undef, undef) : select(undef, $bits, undef, undef);
  return $bits;
}

if (!connect($handle, address_of($to, $port))) {
  $! == EINPROGRESS() or lost($!);
  wait_for('write');
  my $errno = unpack('i', getsockopt($handle, SOL_SOCKET(), SO_ERROR()));
  lost($errno) if $errno != 0;
}
print "open\n";
while (1) {
  my $ready = wait_for('read');
  if (vec($ready, fileno($handle), 1)) {
    my $got = sysread($handle, my $text, 65536);
    if (!defined $got) { $! == EAGAIN() or lost($!) }
    elsif ($got == 0) { print "lost closed\n"; exit 1 }
    else { print $text }
  }
  if (vec($ready, fileno(STDIN), 1)) {
    my $got = sysread(STDIN, my $text, 65536) or exit 0;
    defined syswrite($handle, $text) or lost($!);
  }
}
