// A hand-written core for tests: the dot product of each vector of five u4 elements (two a word) with one row of i3
// weights from a memory, then a step function to u2. The stream between the two is `sum__s$x`, a name that needs care.
module dot (
    input wire clock,
    input wire reset,
    input wire [7:0] in_data,
    input wire in_valid,
    output wire in_ready,
    output wire [1:0] out_data,
    output wire out_valid,
    input wire out_ready
);
    reg [5:0] weights [0:2];
    initial $readmemh("weights.mem", weights);

    wire signed [9:0] sum__s$x_data;
    wire sum__s$x_valid;
    wire sum__s$x_ready;

    reg [1:0] index;
    reg signed [9:0] accumulator;
    reg signed [9:0] sum;
    reg full;

    wire [5:0] weight = weights[index];
    wire signed [9:0] low = $signed({1'b0, in_data[3:0]}) * $signed(weight[2:0]);
    wire signed [9:0] high = $signed({1'b0, in_data[7:4]}) * $signed(weight[5:3]);
    wire signed [9:0] next = (index == 0 ? 10'sd0 : accumulator) + low + high;

    assign in_ready = !full || sum__s$x_ready;
    assign sum__s$x_valid = full;
    assign sum__s$x_data = sum;

    always @(posedge clock) begin
        if (reset) begin
            index <= 0;
            full <= 0;
        end else begin
            if (full && sum__s$x_ready) full <= 0;
            if (in_valid && in_ready) begin
                accumulator <= next;
                index <= index == 2 ? 2'd0 : index + 2'd1;
                if (index == 2) begin
                    sum <= next;
                    full <= 1;
                end
            end
        end
    end

    assign out_data = {1'b0, sum__s$x_data >= -5} + {1'b0, sum__s$x_data >= 3} + {1'b0, sum__s$x_data >= 20};
    assign out_valid = sum__s$x_valid;
    assign sum__s$x_ready = out_ready;
endmodule
