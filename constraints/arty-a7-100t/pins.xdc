# The oscillator.
set_property PACKAGE_PIN E3 [get_ports clock]
set_property IOSTANDARD LVCMOS33 [get_ports clock]
create_clock -period 10.000 -name clock [get_ports clock]

# FT2232H channel B: its TXD is our line in.
set_property PACKAGE_PIN A9 [get_ports uart_receive]
set_property IOSTANDARD LVCMOS33 [get_ports uart_receive]
set_property PACKAGE_PIN D10 [get_ports uart_transmit]
set_property IOSTANDARD LVCMOS33 [get_ports uart_transmit]

# LD4 and LD5.
set_property PACKAGE_PIN H5 [get_ports led_ready]
set_property IOSTANDARD LVCMOS33 [get_ports led_ready]
set_property PACKAGE_PIN J5 [get_ports led_busy]
set_property IOSTANDARD LVCMOS33 [get_ports led_busy]
