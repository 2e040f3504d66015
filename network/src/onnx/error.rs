//! Why a file cannot be imported.

use miette::Diagnostic;
use std::fmt;
use std::path::PathBuf;

/// A node of the file, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The node's name, or the one made up for it.
    pub node: String,
    /// The node's operator.
    pub operator: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node `{}` ({})", self.node, self.operator)
    }
}

/// Why a file cannot be imported.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read model `{}`: {reason}", path.display())]
    #[diagnostic(code(network::import::unreadable), help("check the path and the permissions"))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },

    /// The file has no bytes.
    #[error("an ONNX file must hold a model, but `{name}` is empty")]
    #[diagnostic(
        code(network::import::empty),
        help("export the model again; an empty file is often an interrupted download or a full disk")
    )]
    Empty {
        /// The model's name.
        name: String,
    },

    /// A file or folder of another kind.
    #[error("`{}` must be an ONNX or TensorFlow Lite file, but it is {found}", path.display())]
    #[diagnostic(code(network::import::other_file), help("{way_out}"))]
    OtherFile {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What to do.
        way_out: String,
    },

    /// The bytes are not the protobuf message that an ONNX file is.
    #[error("`{name}` must be an ONNX file (a protobuf message), but it cannot be decoded: {reason}")]
    #[diagnostic(
        code(network::import::not_protobuf),
        help("check that the file is complete and binary: compare its size and checksum with the original")
    )]
    NotProtobuf {
        /// The model's name.
        name: String,
        /// What the decoder said.
        reason: String,
    },

    /// The message has no graph.
    #[error("an ONNX file must hold a graph, but `{name}` has none")]
    #[diagnostic(
        code(network::import::no_graph),
        help("pass a model, not a weights-only or training checkpoint file; export it with its graph")
    )]
    NoGraph {
        /// The model's name.
        name: String,
    },

    /// No version of the standard operator set is declared.
    #[error("`{name}` must declare the version of the standard operator set, but it declares {found}")]
    #[diagnostic(
        code(network::import::no_opset),
        help("export the model again with a current exporter, or add an opset_import entry for domain \"\"")
    )]
    NoOpset {
        /// The model's name.
        name: String,
        /// The sets that it declares.
        found: String,
    },

    /// The version of the standard operator set is outside the supported range.
    #[error("the standard operator set must be of version 9 to 25, but `{name}` declares version {version}")]
    #[diagnostic(
        code(network::import::opset),
        help(
            "convert the model with onnx.version_converter.convert_version(model, 13), or export it with opset_version=13"
        )
    )]
    Opset {
        /// The model's name.
        name: String,
        /// The version declared.
        version: i64,
    },

    /// A node's operator belongs to a domain that is not known.
    #[error("{place}: the operator must be of a known domain, but it is of `{domain}`")]
    #[diagnostic(
        code(network::import::domain),
        help(
            "known domains: the standard one, onnx.brevitas, qonnx.custom_op.general, qonnx.custom_op.channels_last, finn.custom_op.general, and com.microsoft for onnxruntime's quantised operators; export as QONNX or with QuantizeLinear nodes, before any vendor transformation; in qonnx, the transformation QCDQToQuant writes QuantizeLinear, Clip and DequantizeLinear as Quant"
        )
    )]
    Domain {
        /// The node.
        place: Place,
        /// Its domain.
        domain: String,
    },

    /// A node's operator is not supported.
    #[error("every operator must be a supported one, but node `{}` has the unsupported operator `{}`", place.node, place.operator)]
    #[diagnostic(code(network::import::operator), help("{way_out}"))]
    Operator {
        /// The node.
        place: Place,
        /// What to do about it.
        way_out: String,
    },

    /// Several nodes have operators that are not supported.
    #[error("every operator must be a supported one, but {count} nodes have unsupported operators: {operators}")]
    #[diagnostic(code(network::import::operators), help("{way_out}"))]
    Operators {
        /// How many nodes there are.
        count: usize,
        /// The operators, each with the number of its nodes.
        operators: String,
        /// What to do about them.
        way_out: String,
    },

    /// Several nodes cannot be imported.
    #[error("{count} nodes of the model cannot be imported: fix each of them")]
    #[diagnostic(
        code(network::import::several),
        help("`xnorforge info MODEL --explain` lists what becomes of each node")
    )]
    Several {
        /// How many there are.
        count: usize,
        /// The first of them.
        #[related]
        refusals: Vec<ImportError>,
    },

    /// An attribute is missing, of the wrong type, or asks for what the graph cannot represent.
    #[error("{place}: attribute `{attribute}` must be {must}, but it is {found}")]
    #[diagnostic(
        code(network::import::attribute),
        help("change the layer in the training framework to one of the accepted settings and export again")
    )]
    Attribute {
        /// The node.
        place: Place,
        /// The attribute.
        attribute: &'static str,
        /// What it must be.
        must: String,
        /// What it is.
        found: String,
    },

    /// A node has fewer inputs than its operator needs.
    #[error("{place}: the operator must have an input `{role}` (number {index}), but the node names none there")]
    #[diagnostic(
        code(network::import::missing_input),
        help("check the file with onnx.checker.check_model, and export the model again")
    )]
    MissingInput {
        /// The node.
        place: Place,
        /// What the input is for.
        role: &'static str,
        /// Its number, from 0.
        index: usize,
    },

    /// A tensor is read that nothing provides.
    #[error(
        "{reader}: every tensor read must be an input, an initializer or a node's output, but `{tensor}` is none of them"
    )]
    #[diagnostic(
        code(network::import::missing_tensor),
        help(
            "check the file with onnx.checker.check_model, and export weights with the model (in PyTorch: export_params=True); sparse initializers are not provided"
        )
    )]
    MissingTensor {
        /// The reader.
        reader: String,
        /// The tensor.
        tensor: String,
    },

    /// A further output of a node is read that is not computed.
    #[error("{reader}: only a node's first output can be read, but tensor `{tensor}` is another output of its node")]
    #[diagnostic(
        code(network::import::further_output),
        help(
            "MaxPool's Indices, Dropout's mask and training statistics are not computed: export in evaluation mode, with layers that need the first output only"
        )
    )]
    FurtherOutput {
        /// The reader.
        reader: String,
        /// The tensor.
        tensor: String,
    },

    /// What `Im2Col` gives is read by another operator than a matrix product.
    #[error("{reader}: only MatMul can read the patches of an Im2Col node, but `{tensor}` is read here")]
    #[diagnostic(
        code(network::import::patches),
        help(
            "export the model with Conv nodes, or with each Im2Col right before its MatMul, as qonnx' LowerConvsToMatMul writes it"
        )
    )]
    Patches {
        /// The reader.
        reader: String,
        /// The tensor.
        tensor: String,
    },

    /// A tensor is provided twice.
    #[error("every tensor must be provided once, but `{tensor}` is provided by {first} and by {second}")]
    #[diagnostic(
        code(network::import::duplicate_tensor),
        help("check the file with onnx.checker.check_model; rename one of the two")
    )]
    DuplicateTensor {
        /// The tensor.
        tensor: String,
        /// What provides it first.
        first: String,
        /// What provides it again.
        second: String,
    },

    /// Nodes depend on their own outputs.
    #[error("a graph must be free of cycles, but these nodes wait for each other: {nodes}")]
    #[diagnostic(
        code(network::import::cycle),
        help("recurrent networks are not supported; unroll the recurrence, or check the tool that edited the file")
    )]
    Cycle {
        /// Names of the nodes.
        nodes: String,
    },

    /// The graph has not exactly one input.
    #[error("a model must have exactly one input that is not an initializer, but this one has {found}")]
    #[diagnostic(
        code(network::import::inputs),
        help(
            "where the others are weights, export them as constants (in PyTorch: torch.onnx.export(…, export_params=True)); else join the inputs into one tensor in the model"
        )
    )]
    Inputs {
        /// The inputs.
        found: String,
    },

    /// The graph has not exactly one output.
    #[error("a model must have exactly one output, but this one has {found}")]
    #[diagnostic(
        code(network::import::outputs),
        help("export the model with the one output that the hardware shall compute")
    )]
    Outputs {
        /// The outputs.
        found: String,
    },

    /// The input has an axis without a number other than the batch axis.
    #[error("input `{input}`: every axis but the first must have a fixed extent, but axis {axis} is `{symbol}`")]
    #[diagnostic(
        code(network::import::symbolic_dimension),
        help(
            "export with fixed shapes (in PyTorch, leave that axis out of dynamic_axes), or set the whole shape in the file: `qonnx-cleanup --override-inpsize={shape} MODEL.onnx`, or `python -m onnxruntime.tools.make_dynamic_shape_fixed MODEL.onnx NEW.onnx --input_name {input} --input_shape {shape}`{}",
            if shape.contains('N') { ", with a number for each N" } else { "" }
        )
    )]
    SymbolicDimension {
        /// The whole shape, as these tools take it: `N` where an extent is open.
        shape: String,
        /// The input.
        input: String,
        /// The axis.
        axis: usize,
        /// Its symbol.
        symbol: String,
    },

    /// The input is not a tensor of numbers with a known number of axes.
    #[error("input `{input}` must be a tensor of numbers with a known shape, but it is {found}")]
    #[diagnostic(
        code(network::import::input_type),
        help("export the model with an example input of the shape that it shall run with")
    )]
    InputType {
        /// The input.
        input: String,
        /// What it is.
        found: String,
    },

    /// An input of a node must be constant and is not.
    #[error("{place}: `{role}` must be constant, but tensor `{tensor}` is computed when the model runs")]
    #[diagnostic(
        code(network::import::not_constant),
        help(
            "fix it at export: weights as constants (in PyTorch: export_params=True, do_constant_folding=True), fixed shapes; `qonnx-cleanup MODEL.onnx` folds what can be folded of a QONNX file"
        )
    )]
    NotConstant {
        /// The node.
        place: Place,
        /// What the input is for.
        role: &'static str,
        /// The tensor.
        tensor: String,
    },

    /// Shapes do not fit the operator.
    #[error("{place}: {must}, but found {found}")]
    #[diagnostic(
        code(network::import::shape),
        help("check the file with onnx.shape_inference.infer_shapes(model, strict_mode=True), and export it again")
    )]
    Shape {
        /// The node.
        place: Place,
        /// What must hold.
        must: String,
        /// The shapes found.
        found: String,
    },

    /// Shapes that ONNX allows and that are not supported.
    #[error("{place}: {must}, but found {found}")]
    #[diagnostic(code(network::import::unsupported_shape), help("{help}"))]
    UnsupportedShape {
        /// The node.
        place: Place,
        /// What must hold.
        must: String,
        /// The shapes found.
        found: String,
        /// What to do.
        help: &'static str,
    },

    /// Windows slide over a value with no, or more than two, spatial axes.
    #[error("{place}: the input must have a batch, a channel and 1 or 2 spatial axes, but found shape {shape}")]
    #[diagnostic(
        code(network::import::spatial_axes),
        help(
            "3-D convolutions and pools are not supported: use 2-D layers, with the third axis in the channels or as a loop over images in the host"
        )
    )]
    SpatialAxes {
        /// The node.
        place: Place,
        /// The input's shape.
        shape: String,
    },

    /// The windows of a convolution or a pool do not fit the value that they slide over.
    #[error("{place}: {must}, but found {found}")]
    #[diagnostic(
        code(network::import::window),
        help("check kernel_shape, strides, dilations and padding of this layer against the size of its input")
    )]
    Window {
        /// The node.
        place: Place,
        /// What must hold.
        must: String,
        /// What was found.
        found: String,
    },

    /// A parameter is NaN or infinite.
    #[error("{place}: parameters must be finite, but element {index} of `{tensor}` is {value}")]
    #[diagnostic(
        code(network::import::not_finite),
        help("training has diverged, or the export divided by zero: look at this layer's parameters in the framework")
    )]
    NotFinite {
        /// The node.
        place: Place,
        /// The tensor.
        tensor: String,
        /// The first such element.
        index: usize,
        /// Its value.
        value: f64,
    },

    /// A quantiser's scale is zero or negative.
    #[error("{place}: scales must be greater than 0, but element {index} of `{tensor}` is {value}")]
    #[diagnostic(code(network::import::scale), help("{help}"))]
    Scale {
        /// The node.
        place: Place,
        /// The tensor.
        tensor: String,
        /// The first such element.
        index: usize,
        /// Its value.
        value: f64,
        /// What to do.
        help: &'static str,
    },

    /// A constant input has a value that the operator does not allow.
    #[error("{place}: `{role}` must be {must}, but it is {found}")]
    #[diagnostic(
        code(network::import::parameter),
        help("change the layer in the training framework to one of the accepted settings and export again")
    )]
    Parameter {
        /// The node.
        place: Place,
        /// What the input is for.
        role: &'static str,
        /// What it must be.
        must: String,
        /// What it is.
        found: String,
    },

    /// A tensor's elements do not fill its shape.
    #[error("tensor `{tensor}`: {must}, but found {found}")]
    #[diagnostic(
        code(network::import::tensor_data),
        help("the file is damaged or its exporter faulty: compare it with the original and export it again")
    )]
    TensorData {
        /// The tensor.
        tensor: String,
        /// What must hold.
        must: String,
        /// What was found.
        found: String,
    },

    /// A tensor's elements are of a type that is not read.
    #[error("tensor `{tensor}`: elements must be floats, integers of 2 to 64 bits or bool, but their type is {found}")]
    #[diagnostic(
        code(network::import::tensor_type),
        help("store the tensor as float32; the quantisers, not the storage type, say how many bits a number has")
    )]
    TensorType {
        /// The tensor.
        tensor: String,
        /// Its type.
        found: String,
    },

    /// A tensor's elements stand in another file that cannot be used.
    #[error("tensor `{tensor}`: its data must stand in a file of the model's folder, but `{location}` {found}")]
    #[diagnostic(
        code(network::import::external_data),
        help(
            "keep the model and its data files together, or save as one file: onnx.save_model(model, path, save_as_external_data=False)"
        )
    )]
    ExternalData {
        /// The tensor.
        tensor: String,
        /// The location that the model names.
        location: String,
        /// What is wrong with it.
        found: String,
    },

    /// A tensor is larger than the file can justify.
    #[error("{what}: a tensor must have at most {limit} elements here, but it would have shape {shape}")]
    #[diagnostic(
        code(network::import::too_large),
        help(
            "check the shape that the exporter wrote; constants computed from shapes are limited by the size of the file"
        )
    )]
    TooLarge {
        /// The node or tensor.
        what: String,
        /// The greatest number of elements.
        limit: usize,
        /// The shape.
        shape: String,
    },

    /// Integer arithmetic that is not constant, or that overflows.
    #[error("{place}: arithmetic on integer tensors must be constant and within the range of the type, but {found}")]
    #[diagnostic(
        code(network::import::integer_arithmetic),
        help("cast the tensor to float before computing with it, or leave the computation to the host")
    )]
    IntegerArithmetic {
        /// The node.
        place: Place,
        /// What was found.
        found: String,
    },

    /// The output does not depend on the input.
    #[error("the output must depend on the input, but `{output}` can be computed without `{input}`")]
    #[diagnostic(
        code(network::import::disconnected),
        help("export the model in evaluation mode, and check that its output is the one you mean")
    )]
    Disconnected {
        /// The output.
        output: String,
        /// The input.
        input: String,
    },
}
