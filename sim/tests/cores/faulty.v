// A register slice for tests that misbehaves as its first word tells it: 0 not at all, 1 stops after five words,
// 2 loses every seventh word, 3 changes a waiting word, 4 withdraws a waiting word, 5 repeats the 16th word, 6 leaks an
// uninitialised register, 7 ends the simulation.
module faulty (
    input wire clock,
    input wire reset,
    input wire [7:0] in_data,
    input wire in_valid,
    output wire in_ready,
    output wire [7:0] out_data,
    output wire out_valid,
    input wire out_ready
);
    reg [7:0] data;
    reg full;
    reg [2:0] mode;
    reg [7:0] count;
    reg repeated;
    reg waiting;
    reg [7:0] never_set;

    wire repeating = mode == 5 && count == 16 && !repeated;
    assign in_ready = (!full || (out_ready && !repeating)) && !(mode == 1 && count == 5);
    assign out_valid = full && !(mode == 4 && waiting);
    assign out_data = (mode == 3 && waiting) ? data + 8'd1 : mode == 6 ? data ^ never_set : data;

    always @(posedge clock) begin
        if (reset) begin
            full <= 0;
            mode <= 0;
            count <= 0;
            repeated <= 0;
            waiting <= 0;
        end else begin
            waiting <= out_valid && !out_ready;
            if (out_valid && out_ready) begin
                if (repeating) repeated <= 1;
                else full <= 0;
            end
            if (in_valid && in_ready) begin
                if (count == 0) mode <= in_data[2:0];
                data <= in_data;
                count <= count + 8'd1;
                full <= !(mode == 2 && count % 7 == 6);
                if (mode == 7 && count == 3) $finish;
            end
        end
    end
endmodule
